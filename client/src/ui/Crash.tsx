// Owns what is shown in the place of a page that could not be drawn: our own fault, and never a white window.

import { Component, type ComponentChildren } from 'preact';

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
        <h1>Random video chat</h1>
        <p role="status">This page has a fault, and cannot go on</p>
        <button type="button" onClick={() => window.location.reload()}>
          Reload
        </button>
      </main>
    );
  }
}
