/** Operator: the meters of the community, its prices, its balance, and the brake. */
export { Operator as default } from "./Operator.tsx";
