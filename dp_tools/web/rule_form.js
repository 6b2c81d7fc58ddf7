export function newRule() {}
