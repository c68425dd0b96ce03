// English: one file for each subject. What is said of numbers and of several devices is a function, as its grammar is the
// language's own. What is to be said is not decided here.

export * as about from './about';
export * as account from './account';
export * as announcements from './announcements';
export * as attention from './attention';
export * as chat from './chat';
export * as check from './check';
export * as consent from './consent';
export * as controls from './controls';
export * as devices from './devices';
export * as figures from './figures';
export * as headline from './headline';
export * as obstacles from './obstacles';
export * as operator from './operator';
export * as page from './page';
export * as rooms from './rooms';
export * as setup from './setup';
export * as stage from './stage';
