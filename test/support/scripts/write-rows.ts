// write-rows DATA_DIR ROUND: inserts rows one by one for ever, and prints each number once its insert was acknowledged.
import { openDatabase } from "../../../src/database/database.js";

const [dataDir = "", round] = process.argv.slice(2);
const database = await openDatabase({ dataDir, role: "server" });
await database.pool.query(
  "create table if not exists written (round int, number int, primary key (round, number))",
);
for (let number = 1; ; number += 1) {
  await database.pool.query("insert into written values ($1, $2)", [round, number]);
  console.log(number);
}
