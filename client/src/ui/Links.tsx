// Owns the links to what is to be read of this place: its rules, what it keeps of people, and who runs it. Their look is the
// theme's, as several pages have them and each has one file of style.

import { page as words } from '../words';

interface LinksProps {
  /** Where it says who runs this place. */
  readonly imprint: string | null;
}

export function Links({ imprint }: LinksProps) {
  return (
    <nav className="links" aria-label={words.links}>
      <a href="rules">{words.rulesLink}</a>
      <a href="privacy">{words.privacyLink}</a>
      {imprint !== null && <a href={imprint}>{words.imprintLink}</a>}
    </nav>
  );
}
