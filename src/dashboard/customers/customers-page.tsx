export default function CustomersPage() {
  return <p>customers</p>;
}
