// The page as a whole, and its failure.

export const name = 'Random video chat';

/** To what is to be read of this place. */
export const links = 'About this place';
export const rulesLink = 'Rules';
export const privacyLink = 'Privacy';
export const imprintLink = 'Imprint';

export const fault = 'This page has a fault, and cannot go on';
export const reload = 'Reload';
