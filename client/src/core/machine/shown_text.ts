// Owns what of a text is shown, and whether anything of it is. Pure. The relay refuses what shows nothing by the same
// rule (relay/protocol/visible.py).

/** More pile up beyond the line, over what others wrote. Four is what pointed Hebrew needs. */
const MARKS_ON_ONE_LETTER = 4;

/** Neither a mark, nor white space, nor a control, nor what may be left out in drawing, nor a blank that is a symbol. */
const VISIBLE = /[^\p{M}\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800\u{1D159}]/u;
const MARK = /\p{M}/u;
/** What joins or separates without being drawn lets marks go on piling up. */
const JOINER = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;
/** Half of a pair in UTF-16: an emoji that was cut in two. JSON may carry it, UTF-8 may not. */
const HALF = /\p{Cs}/gu;

export function isVisible(text: string): boolean {
  return VISIBLE.test(text);
}

/** As it is sent: without white space around it, and with no half of an emoji, which no relay could read. */
export function sendable(text: string): string {
  return text.trim().replace(HALF, '\u{FFFD}');
}

/** As it is shown: with a bounded number of marks on each letter. */
export function shown(text: string): string {
  if (!MARK.test(text)) return text;
  let marks = 0;
  let kept = '';
  for (const character of text) {
    if (MARK.test(character)) marks += 1;
    else if (!JOINER.test(character)) marks = 0;
    if (marks <= MARKS_ON_ONE_LETTER || !MARK.test(character)) kept += character;
  }
  return kept;
}
