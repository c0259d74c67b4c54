/** The place of a change in the journal; on the answer to every change. The router learns it before the client does. */
export const SEQ_HEADER = 'Meridian-Seq';
