/** How the first customers come. */
export function FirstSteps() {
  return (
    <>
      Enter this server&apos;s webhook address at Square:{" "}
      <code>{`${window.location.origin}/webhooks/square`}</code>. Load what happened before with{" "}
      <code>npm run regulars -- backfill</code>.
    </>
  );
}
