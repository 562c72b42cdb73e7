/** The whole story of a trade: what happened when, by which transaction, on which readings. */
export { DeliveryStory } from "./DeliveryStory.tsx";
export { OrderStory } from "./OrderStory.tsx";
export { TransactionRef } from "./TransactionRef.tsx";
