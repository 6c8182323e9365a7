export default function CustomerPage(_: { id?: string }) {
  return <p>customer</p>;
}
