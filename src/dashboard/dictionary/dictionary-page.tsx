export default function DictionaryPage() {
  return <p>dictionary</p>;
}
