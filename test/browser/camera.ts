/** A picture for Chromium's fake camera, which plays a file as if it were filmed. */
import { writeFile } from "node:fs/promises";
import { encodeQR } from "qr";

const [WIDTH, HEIGHT] = [640, 480];
/** Light modules around a code that decoders need. */
const QUIET = 4;
const [LIGHT, DARK, NO_COLOUR] = [235, 16, 128];

/** Films a sheet of paper with the text's QR code on it, as YUV4MPEG2. */
export async function filmCode(text: string, file: string): Promise<void> {
  const modules = encodeQR(text, "raw", { ecc: "low", border: QUIET });
  const scale = Math.floor(HEIGHT / modules.length);
  const [left, top] = [WIDTH, HEIGHT].map((side) => Math.floor((side - scale * modules.length) / 2)) as [
    number,
    number,
  ];
  const luma = Buffer.alloc(WIDTH * HEIGHT, LIGHT);
  for (const [row, cells] of modules.entries()) {
    for (const [column, isDark] of cells.entries()) {
      if (!isDark) continue;
      for (let y = 0; y < scale; y++) {
        const at = (top + row * scale + y) * WIDTH + left + column * scale;
        luma.fill(DARK, at, at + scale);
      }
    }
  }
  const frame = Buffer.concat([Buffer.from("FRAME\n"), luma, Buffer.alloc((WIDTH * HEIGHT) / 2, NO_COLOUR)]);
  const head = Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\n`);
  await writeFile(file, Buffer.concat([head, frame, frame, frame, frame, frame]));
}
