// Owns what is shown in the place of a page that could not be drawn: our own fault, and never a white window.

import { Component, type ComponentChildren } from 'preact';
import { page } from '../words';

interface CrashProps {
  readonly children: ComponentChildren;
}

export class Crash extends Component<CrashProps, { readonly broken: boolean }> {
  override state = { broken: false };

  static override getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <main>
        <h1>{page.name}</h1>
        <p role="status">{page.fault}</p>
        <button type="button" onClick={() => window.location.reload()}>
          {page.reload}
        </button>
      </main>
    );
  }
}
