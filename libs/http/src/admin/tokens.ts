export const ADMIN_OPTIONS = Symbol('AdminOptions');
export const GC_OPTIONS = Symbol('GcOptions');
