import decodeQR from "qr/decode.js";
import { useEffect, useRef, useState } from "react";
import { text } from "../../text/index.ts";
import { Button, Notice } from "../../ui/index.ts";

/** Pictures looked at per second: a code that is held still is found at once, and a phone stays cool. */
const EVERY_MS = 200;
/** Longest side of the picture that is searched. */
const LARGEST = 800;

/** The camera, until it sees a QR code. Nothing of the picture leaves this page. */
export default function Scanner({ onText, onClose }: { onText: (text: string) => void; onClose: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const found = useRef(onText);
  found.current = onText;
  const [refused, setRefused] = useState(false);
  const words = text.operator.register;
  useEffect(() => {
    let stream: MediaStream | undefined;
    let timer: ReturnType<typeof setInterval> | undefined;
    let over = false;
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    function look() {
      const element = video.current;
      if (!element?.videoWidth || !context) return;
      const scale = Math.min(1, LARGEST / Math.max(element.videoWidth, element.videoHeight));
      canvas.width = Math.round(element.videoWidth * scale);
      canvas.height = Math.round(element.videoHeight * scale);
      context.drawImage(element, 0, 0, canvas.width, canvas.height);
      let read: string | undefined;
      try {
        read = decodeQR(context.getImageData(0, 0, canvas.width, canvas.height));
      } catch {
        return; // no code in this picture
      }
      if (read) found.current(read);
    }
    navigator.mediaDevices
      ?.getUserMedia({ video: { facingMode: "environment" } })
      .then(async (opened) => {
        stream = opened;
        if (over || !video.current) return stop();
        video.current.srcObject = opened;
        await video.current.play();
        timer = setInterval(look, EVERY_MS);
      })
      .catch(() => setRefused(true));
    if (!navigator.mediaDevices) setRefused(true);
    function stop() {
      over = true;
      clearInterval(timer);
      for (const track of stream?.getTracks() ?? []) track.stop();
    }
    return stop;
  }, []);
  return (
    <div className="space-y-2">
      {refused ? (
        <Notice tone="warning">{words.noCamera}</Notice>
      ) : (
        <video
          ref={video}
          muted
          playsInline
          aria-label={words.camera}
          className="aspect-square w-full rounded-xl bg-sunken object-cover"
        />
      )}
      <Button variant="secondary" onClick={onClose}>
        {text.cancel}
      </Button>
    </div>
  );
}
