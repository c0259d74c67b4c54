/** A new one each time: one for all worlds would keep whatever listened to it and crashed, and with it its whole world. */
export function neverAborted(): AbortSignal {
  return new AbortController().signal;
}
