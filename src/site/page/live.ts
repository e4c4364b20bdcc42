/** Shows what a new release has as soon as it is published: the server that gives the pages tells of it. */
export function followReleases(): () => void {
  const events = new EventSource("events");
  let first: string | undefined;
  events.addEventListener("site", ({ data }) => {
    if (first !== undefined && data !== first) location.reload();
    first ??= data as string;
  });
  return () => events.close();
}
