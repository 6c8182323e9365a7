export default function TeamPage() {
  return <p>team</p>;
}
