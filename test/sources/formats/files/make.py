"""Makes the files beside it: pyarrow 26, fastavro 1.13, cramjam, backports.zstd, openpyxl 3.1, xlsxwriter 3.3,
msoffcrypto-tool, xlwt. Run it in its folder."""
import pyarrow as pa, pyarrow.parquet as pq, decimal, datetime as dt, fastavro
out = "."
D = decimal.Decimal
utc = dt.timezone.utc
cols = {
 "id": pa.array([1, 9223372036854775807, -9223372036854775808, 4], pa.int64()),
 "small": pa.array([1, None, -3, 4], pa.int32()),
 "big_unsigned": pa.array([18446744073709551615, 0, 1, None], pa.uint64()),
 "unsigned": pa.array([4294967295, 0, 1, None], pa.uint32()),
 "price": pa.array([D("12345678901234567890.123456789"), D("-0.000000001"), None, D("0")], pa.decimal128(38, 9)),
 "cents": pa.array([D("1.10"), D("-99999.99"), None, D("0.00")], pa.decimal128(7, 2)),
 "name": pa.array(["Zoë 😀", "", None, "a\u0000b"], pa.string()),
 "bytes": pa.array([b"\x00\xff", b"", None, b"abc"], pa.binary()),
 "fixed": pa.array([b"\x01\x02", b"\x03\x04", None, b"\x05\x06"], pa.binary(2)),
 "day": pa.array([dt.date(2026, 11, 21), dt.date(1969, 12, 31), None, dt.date(9999, 12, 31)], pa.date32()),
 "at_millis": pa.array([dt.datetime(2026, 11, 21, 4, 5, 6, 789000, utc), dt.datetime(1969, 12, 31, 23, 59, 59, 999000, utc), None, None], pa.timestamp("ms", "UTC")),
 "at_micros": pa.array([dt.datetime(2026, 11, 21, 4, 5, 6, 789123, utc), dt.datetime(1900, 1, 1, 0, 0, 0, 1, utc), None, None], pa.timestamp("us", "UTC")),
 "at_nanos": pa.array([1795233906789123457, -1, None, 0], pa.timestamp("ns", "UTC")),
 "local": pa.array([dt.datetime(2026, 11, 21, 4, 5, 6, 789123), None, None, None], pa.timestamp("us")),
 "clock": pa.array([dt.time(3, 4, 5, 6), dt.time(0, 0), None, dt.time(23, 59, 59, 999999)], pa.time64("us")),
 "ratio": pa.array([0.1, float("nan"), float("inf"), -0.5], pa.float64()),
 "single": pa.array([0.5, None, -2.25, 1], pa.float32()),
 "flag": pa.array([True, False, None, True], pa.bool_()),
 "tags": pa.array([["a", None, "b"], [], None, ["c"]], pa.list_(pa.string())),
 "amounts": pa.array([[D("1.50"), None], [], None, [D("-2.25")]], pa.list_(pa.decimal128(10, 2))),
 "place": pa.array([{"city": "Bern", "at": D("46.948")}, {"city": None, "at": None}, None, {"city": "Ulm", "at": D("1")}], pa.struct([("city", pa.string()), ("at", pa.decimal128(9, 3))])),
 "lines": pa.array([[{"sku": "x", "n": 9007199254740993}], [], None, [{"sku": None, "n": 1}, None]], pa.list_(pa.struct([("sku", pa.string()), ("n", pa.int64())]))),
 "attributes": pa.array([[("k", D("1.10"))], [], None, [("a", None), ("b", D("2.00"))]], pa.map_(pa.string(), pa.decimal128(5, 2))),
}
t = pa.table(cols)
for codec in ["none", "snappy", "gzip", "zstd", "brotli", "lz4"]:
    pq.write_table(t, f"{out}/types-{codec}.parquet", compression=codec, row_group_size=3, data_page_version="2.0" if codec in ("zstd",) else "1.0", use_dictionary=codec != "gzip", version="2.6")
pq.write_table(pa.table({"id": pa.array(range(7), pa.int64()), "name": pa.array([f"row {i}" for i in range(7)])}), f"{out}/small.parquet", compression="none", row_group_size=3)
pq.write_table(pa.table({"at": pa.array([1795233906789123000, None], pa.timestamp("ns"))}), f"{out}/int96.parquet", use_deprecated_int96_timestamps=True)
pq.write_table(pa.table({"id": pa.array([], pa.int64())}), f"{out}/empty.parquet")

schema = {"type": "record", "name": "Payment", "namespace": "bank", "fields": [
 {"name": "id", "type": "long"},
 {"name": "small", "type": ["null", "int"], "default": None},
 {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 9}},
 {"name": "cents", "type": {"type": "fixed", "size": 5, "name": "Cents", "logicalType": "decimal", "precision": 10, "scale": 2}},
 {"name": "name", "type": "string"},
 {"name": "raw", "type": "bytes"},
 {"name": "day", "type": {"type": "int", "logicalType": "date"}},
 {"name": "at_millis", "type": {"type": "long", "logicalType": "timestamp-millis"}},
 {"name": "at_micros", "type": {"type": "long", "logicalType": "timestamp-micros"}},
 {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
 {"name": "clock", "type": {"type": "long", "logicalType": "time-micros"}},
 {"name": "ratio", "type": "double"}, {"name": "single", "type": "float"}, {"name": "flag", "type": "boolean"},
 {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["CREDIT", "DEBIT"]}},
 {"name": "uuid", "type": {"type": "string", "logicalType": "uuid"}},
 {"name": "tags", "type": {"type": "array", "items": ["null", "string"]}},
 {"name": "attributes", "type": {"type": "map", "values": "long"}},
 {"name": "party", "type": ["null", {"type": "record", "name": "Party", "fields": [{"name": "name", "type": "string"}, {"name": "kind", "type": "Kind"}, {"name": "parent", "type": ["null", "Party"]}]}]},
]}
import uuid
recs = [
 {"id": 9223372036854775807, "small": None, "price": D("12345678901234567890.123456789"), "cents": D("-1.10"), "name": "Zoë 😀", "raw": b"\x00\xff", "day": dt.date(2026, 11, 21), "at_millis": dt.datetime(2026, 11, 21, 4, 5, 6, 789000, utc), "at_micros": dt.datetime(2026, 11, 21, 4, 5, 6, 789123, utc), "local": dt.datetime(2026, 11, 21, 4, 5, 6, 789123), "clock": dt.time(3, 4, 5, 6), "ratio": 0.1, "single": 0.5, "flag": True, "kind": "DEBIT", "uuid": uuid.UUID("12345678-1234-5678-1234-567812345678"), "tags": ["a", None], "attributes": {"__proto__": 1, "n": -9223372036854775808}, "party": {"name": "p", "kind": "CREDIT", "parent": {"name": "q", "kind": "DEBIT", "parent": None}}},
 {"id": -9223372036854775808, "small": -3, "price": D("-0.000000001"), "cents": D("99999999.99"), "name": "", "raw": b"", "day": dt.date(1969, 12, 31), "at_millis": dt.datetime(1969, 12, 31, 23, 59, 59, 999000, utc), "at_micros": dt.datetime(1900, 1, 1, 0, 0, 0, 1, utc), "local": dt.datetime(1900, 1, 1), "clock": dt.time(23, 59, 59, 999999), "ratio": float("nan"), "single": float("-inf"), "flag": False, "kind": "CREDIT", "uuid": uuid.UUID(int=0), "tags": [], "attributes": {}, "party": None},
]
for codec in ["null", "deflate", "snappy", "zstandard", "bzip2"]:
    with open(f"{out}/types-{codec}.avro", "wb") as f: fastavro.writer(f, schema, recs, codec=codec)
with open(f"{out}/small.avro", "wb") as f: fastavro.writer(f, {"type": "record", "name": "R", "fields": [{"name": "id", "type": "long"}, {"name": "name", "type": "string"}]}, [{"id": i, "name": f"row {i}"} for i in range(7)], sync_interval=20)

import openpyxl, xlsxwriter, msoffcrypto, xlwt
book = openpyxl.Workbook()
rates = book.active
rates.title, rates.sheet_state = "Rates", "hidden"
for row in [["from", "rate"], ["EUR", 1.08]]: rates.append(row)
orders = book.create_sheet("Orders")
orders["B1"] = "Orders of the shop"
orders.merge_cells("B1:H1")
rows = {
 3: ["Order No.", "Customer", "Amount", "Ordered at", "Day", "Paid", "Note"],
 4: [1001, "Zoë 😀", 12.5, dt.datetime(2026, 1, 31, 14, 30, 15), dt.date(2026, 1, 31), True, "two\nlines"],
 5: [1002, "Müller & Söhne", 0.1 + 0.2, dt.datetime(2026, 2, 1), dt.date(2026, 2, 1), False, None],
 7: [1003, "00123", -1e-7, dt.datetime(2026, 2, 1, 23, 59, 59, 999000), dt.date(1900, 1, 1), None, "_x0041_ <b>"],
 8: [1004, "lost", "#REF!", None, None, None, None],
 9: [1005, "#N/A", 1e21, None, None, True, "Smith"],
 10: [1006, "never", "=D4*2", None, None, None, None],
}
for number, values in rows.items():
    for at, value in enumerate(values): orders.cell(number, 2 + at).value = value
orders["D8"].data_type = orders["C9"].data_type = "e"
orders["K4"] = "a remark"
orders.merge_cells("H4:H5")
book.create_chartsheet("Chart")
times = book.create_sheet("Times")
times.append(["n", "at"])
formats = [(0.75, "h:mm"), (1.5, "[h]:mm:ss"), (46053.5, "h:mm AM/PM"), (46053.25, "dd.mm.yyyy"), (60, "yyyy-mm-dd"), (46053, "[$-407]d. mmmm yyyy"), (46053, '0.00"days"'), (46053.123456, "yyyy-mm-dd hh:mm:ss.000"), (1, "#,##0.00 [$€-407]"), (-1, "yyyy-mm-dd"), (46053, "m/d/yy"), (5, "0.00E+00"), (0.5, "mm:ss.0"), (46053, "[Red]General")]
for number, (value, shown) in enumerate(formats):
    times.append([number, value])
    times.cell(number + 2, 2).number_format = shown
book.save(f"{out}/orders.xlsx")
mac = xlsxwriter.Workbook(f"{out}/mac.xlsx", {"constant_memory": True, "date_1904": True})
values = mac.add_worksheet("Werte")
day = mac.add_format({"num_format": "yyyy-mm-dd"})
values.write_row(0, 0, ["id", "day", "total", "text"])
values.write(1, 0, 1); values.write_datetime(1, 1, dt.datetime(2026, 1, 31), day); values.write_formula(1, 2, "=1+2", None, 3); values.write_string(1, 3, "inline <&> ü")
values.write(2, 0, 2); values.write_datetime(2, 1, dt.datetime(1904, 1, 1), day); values.write_formula(2, 3, '=A1&"x"', None, "idx")
values.write(3, 0, 3); values.write_boolean(3, 2, True); values.write_formula(3, 3, "=NA()", None, "#N/A")
mac.close()
with open(f"{out}/mac.xlsx", "rb") as f, open(f"{out}/encrypted.xlsx", "wb") as g: msoffcrypto.OfficeFile(f).encrypt("secret", g)
old = xlwt.Workbook()
old.add_sheet("a").write(0, 0, "id")
old.save(f"{out}/old.xls")
