/** The one vocabulary of the dApp's surface. Knows nothing of energy or chains. */
export { Badge, type Tone } from "./Badge.tsx";
export { Button, ButtonLink } from "./Button.tsx";
export { Card, CardTitle, Empty, PageTitle, Skeleton, Stat } from "./Card.tsx";
export { classes } from "./classes.ts";
export { Details } from "./Details.tsx";
export { Dialog, DialogAction } from "./Dialog.tsx";
export { Choice, Field, Select, TextArea, TextInput } from "./Field.tsx";
export { Icon, type IconName } from "./Icon.tsx";
export { Notice } from "./Notice.tsx";
export { PagedTable } from "./PagedTable.tsx";
export { Pager } from "./Pager.tsx";
export { Progress } from "./Progress.tsx";
export { type Column, Table } from "./Table.tsx";
export { usePrinting } from "./usePrinting.ts";
