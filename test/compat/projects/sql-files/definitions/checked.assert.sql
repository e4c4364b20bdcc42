select * from ${ref("done")} where a > 5
