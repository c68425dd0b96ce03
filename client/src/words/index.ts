// Owns which language the pages speak. Everything else asks here for its sentences, and never in a language's own folder:
// another language is another folder with the same exports, and is chosen here.

export * from './en';
