test("in_js")
  .dataset("totals")
  .input("orders", "select 'X' as currency, 1 as amount")
  .input("rates", "select 'X' as currency, 4 as rate")
  .expect("select 'X' as currency, 4 as amount");
