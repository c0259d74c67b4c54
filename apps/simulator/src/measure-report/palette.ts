/** Colours by meaning, for light and for dark. A picture carries them itself, so that it can stand alone. */
export const PALETTE = [
  'svg{--ink:#1f2328;--muted:#59636e;--rule:#d1d9e0;--page:#ffffff;--primary:#9aa4af;--router:#2f6fd0;--replica:#0f8a6d;',
  '--phase1:#c9b8f0;--phase2:#9d82df;--phase3:#6f4fc4;--phase4:#2f6fd0}',
  '@media(prefers-color-scheme:dark){svg{--ink:#e6edf3;--muted:#9198a1;--rule:#3d444d;--page:#0d1117;--primary:#6b7683;',
  '--router:#5c9bff;--replica:#3fc79a;--phase1:#5b4a8a;--phase2:#8468cf;--phase3:#b59cf5;--phase4:#5c9bff}}',
  'svg text{fill:var(--ink);font:12px system-ui,-apple-system,"Segoe UI",sans-serif}',
  'svg .title{font-size:15px;font-weight:600}svg .group{font-weight:600}svg .note{fill:var(--muted)}',
  'svg .figure{font-variant-numeric:tabular-nums}svg .page{fill:var(--page)}svg .rule{stroke:var(--rule)}',
  'svg .whisker{stroke:var(--ink);stroke-width:1.2;opacity:.55}',
  ...['primary', 'router', 'replica', 'phase1', 'phase2', 'phase3', 'phase4'].map(
    (name) => `svg .${name}{fill:var(--${name})}`,
  ),
].join('');
