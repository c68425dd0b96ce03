// The page as a whole, and its failure.

export const name = 'Random video chat';

export const fault = 'This page has a fault, and cannot go on';
export const reload = 'Reload';
