// Owns how the rules, which the server makes HTML of (relay/auth/rules.py), are shown. They are read into a document that runs
// nothing and loads nothing, and of that only these elements are drawn, each anew and without what else was said of it. What is
// not listed is text: so nothing has to be believed of who wrote them, or of who sent them.

import type { ComponentChild } from 'preact';

const DRAWN = ['p', 'ul', 'ol', 'li', 'strong', 'em', 'code', 'blockquote', 'hr', 'br'] as const;

/** One level below the heading of what they are shown in. */
const HEADINGS: Readonly<Record<string, 'h2' | 'h3' | 'h4'>> = { h1: 'h2', h2: 'h3', h3: 'h4' };

const FOLLOWED = ['http:', 'https:', 'mailto:'];

interface RichTextProps {
  readonly html: string;
}

export function RichText({ html }: RichTextProps) {
  const { body } = new DOMParser().parseFromString(html, 'text/html');
  return <>{drawn(body)}</>;
}

function drawn(parent: Node): ComponentChild[] {
  return [...parent.childNodes].map((node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.textContent;
    if (!(node instanceof Element) || node.matches('script, style')) return null;
    const name = node.localName;
    if (node instanceof HTMLAnchorElement && FOLLOWED.includes(node.protocol)) {
      return <a href={node.href}>{drawn(node)}</a>;
    }
    const Drawn = HEADINGS[name] ?? DRAWN.find((each) => each === name);
    return Drawn === undefined ? drawn(node) : <Drawn>{drawn(node)}</Drawn>;
  });
}
