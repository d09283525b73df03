/** Something that the visitor can understand and change; its message is shown as it is. */
export class Problem extends Error {}
