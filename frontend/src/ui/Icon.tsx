/** Line icons on a 24 px grid, drawn for this project. Always decoration: the words beside them carry the meaning. */
const PATHS = {
  market: "M4 19V10M10 19V5M16 19v-6M21 19H3",
  auction: "M4 20V4M4 20h16M7 6h4v5h4v5h4M7 17h5v-5h3V7h4",
  deliveries: "M3 12h12m0 0-4-4m4 4-4 4M19 5v14",
  energy: "M4 11 12 4l8 7M6.5 9.5V20h11V9.5M13 10l-3 4.500h4L11 19",
  operator:
    "M12 3.500 4.500 6v6c0 4.500 3 7.300 7.500 8.500 4.500-1.200 7.500-4 7.500-8.500V6zM9 12l2.200 2.200L15.500 10",
  wallet: "M4 7.5A2.5 2.5 0 0 1 6.5 5H18v3M4 7.5V17a2 2 0 0 0 2 2h13a1 1 0 0 0 1-1V9a1 1 0 0 0-1-1H5M16.5 13.5h.01",
  bills: "M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4",
  moon: "M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5",
  auto: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  scan: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M4 12h16",
  bell: "M6 17V11a6 6 0 0 1 12 0v6l1.500 1.500h-15zM10 21h4",
  close: "M6 6l12 12M18 6 6 18",
  check: "M5 12.5 10 17 19 7",
  warning: "M12 4 2.8 19.5h18.4zM12 10v4M12 17h.01",
  info: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17M12 11v5M12 8h.01",
  print: "M7 9V4h10v5M7 17H4.500V9h15v8H17M7 14h10v6H7z",
  plus: "M12 5v14M5 12h14",
  bolt: "M13 3 5 13.5h6L10 21l8-10.5h-6z",
  download: "M12 4v11m0 0-4-4m4 4 4-4M5 20h14",
  battery: "M4 8h14v8H4zM21 11v2M7 11v2M10.5 11v2",
  wind: "M3 9h11a2.5 2.5 0 1 0-2.4-3.2M3 13h15a2.5 2.5 0 1 1-2.4 3.2M3 17h7",
  drop: "M12 3.5c3.5 4.2 5.5 7 5.5 10a5.5 5.5 0 0 1-11 0c0-3 2-5.8 5.5-10",
  home: "M4 11 12 4l8 7M6.5 9.5V20h11V9.5",
  grid: "M7 21 11 3h2l4 18M8.5 14h7M9.7 9h4.6M5 9h14",
  leaf: "M5 19c0-8 5-13 14-14 0 9-4.500 13.500-10.500 13.500-1.500 0-2.500-.5-3.500-1.500M5 19c2-4 5-6.500 8-8",
  live: "M12 10.500a1.500 1.500 0 1 0 0 3 1.500 1.500 0 0 0 0-3M7.800 7.800a6 6 0 0 0 0 8.400M16.200 7.800a6 6 0 0 1 0 8.400M5 5a10 10 0 0 0 0 14M19 5a10 10 0 0 1 0 14",
  chevron: "m9 6 6 6-6 6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, className = "size-5" }: { name: IconName; className?: string }) {
  return (
    <svg
      viewBox="0 0 24 24"
      className={`shrink-0 ${className}`}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.75"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
