export const ADMIN_OPTIONS = Symbol('AdminOptions');
