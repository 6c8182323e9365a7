export default function TrustPage() {
  return <p>trust</p>;
}
