import { lazy, Suspense, useState } from "react";
import { text } from "../../text/index.ts";
import { Button, TextArea } from "../../ui/index.ts";
import type { Application } from "./registration.ts";

const Scanner = lazy(() => import("./Scanner.tsx"));

/** The code that a device shows, by camera or as text. */
export function CodeField(props: {
  value: string;
  onChange: (value: string) => void;
  application: Application;
  /** What else is wrong with it. */
  error?: string;
  testId: string;
}) {
  const { value, onChange, application, error, testId } = props;
  const [scanning, setScanning] = useState(false);
  const words = text.operator.register;
  return (
    <>
      {scanning ? (
        <Suspense fallback={<p className="text-muted">{words.camera}</p>}>
          <Scanner
            onText={(found) => {
              onChange(found);
              setScanning(false);
            }}
            onClose={() => setScanning(false)}
          />
        </Suspense>
      ) : (
        <Button variant="secondary" icon="scan" onClick={() => setScanning(true)} data-testid={`${testId}-scan`}>
          {words.scan}
        </Button>
      )}
      <TextArea
        label={words.code}
        value={value}
        onChange={onChange}
        testId={testId}
        hint={words.codeHint}
        error={
          application.kind === "invalid" ? words.invalid : application.kind === "elsewhere" ? words.elsewhere : error
        }
      />
    </>
  );
}
