/** Names and values of points in words. */
import { amount } from "../format";
import { t } from "../texts";

interface PointLike {
  channel: string;
  quantity: string;
}

/** A point's name, e.g. 柜内温度. */
export function pointName({ channel, quantity }: PointLike): string {
  const words = t();
  const what = words.quantity[quantity] ?? quantity;
  if (channel === "") return what;
  return words.channelPoint(words.channel[channel] ?? channel, what);
}

/** A value in its words: states by name, all else with its unit. */
export function valueText(quantity: string, value: number | null | undefined, unit: string): string {
  const states = t().stateValue[quantity];
  if (states !== undefined && typeof value === "number") return states[value >= 0.5 ? 1 : 0];
  return amount(value, unit);
}
