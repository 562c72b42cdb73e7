import type { ReactNode } from "react";
import type { LoadedDeployment } from "../data/index.ts";
import { text } from "../text/index.ts";
import { Button, Notice } from "../ui/index.ts";

/** Why the dApp cannot start, and what to do about it. */
export type Obstacle =
  Exclude<LoadedDeployment, { kind: "ready" }> | { kind: "unreachable" | "otherWorld"; rpcUrl: string };

function FullPage({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="mx-auto flex min-h-dvh max-w-lg flex-col justify-center gap-4 px-6 py-12">
      <img src="/icon.svg" alt="" className="size-12" />
      <h1 className="text-2xl font-bold">{title}</h1>
      {children}
    </main>
  );
}

const Command = () => (
  <pre className="rounded-xl bg-sunken px-4 py-3 font-mono">
    <code>{text.start.missing.command}</code>
  </pre>
);

export function StartProblem({ obstacle }: { obstacle: Obstacle }) {
  switch (obstacle.kind) {
    case "missing":
      return (
        <FullPage title={text.start.missing.title}>
          <p>{text.start.missing.lead}</p>
          <p className="text-muted">{text.start.missing.how}</p>
          <Command />
          <p className="text-muted">{text.start.missing.after}</p>
        </FullPage>
      );
    case "offline":
      return (
        <FullPage title={text.start.offline.title}>
          <p>{text.start.offline.lead}</p>
          <p className="text-muted">{text.start.offline.after}</p>
        </FullPage>
      );
    case "invalid":
      return (
        <FullPage title={text.start.invalid.title}>
          <Notice tone="bad">{obstacle.message}</Notice>
          <p className="text-muted">{text.start.invalid.after}</p>
        </FullPage>
      );
    case "unreachable":
    case "otherWorld": {
      const words = text.start[obstacle.kind];
      return (
        <FullPage title={words.title}>
          <p>{words.lead(obstacle.rpcUrl)}</p>
          <p className="text-muted">{words.how}</p>
          <Command />
          <p className="text-muted">{words.after}</p>
        </FullPage>
      );
    }
  }
}

export function Loading() {
  return (
    <div className="grid min-h-dvh place-items-center text-muted" role="status">
      <p className="breathe">{text.start.loading}</p>
    </div>
  );
}

export function Crashed({ message }: { message: string }) {
  return (
    <FullPage title={text.start.crashed.title}>
      <p className="text-muted">{text.start.crashed.after}</p>
      <Notice tone="bad">{message}</Notice>
      <div>
        <Button onClick={() => window.location.reload()}>{text.start.crashed.reload}</Button>
      </div>
    </FullPage>
  );
}
