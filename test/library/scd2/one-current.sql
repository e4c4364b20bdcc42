create unique index on "shop"."customers" ("country", "Customer No") where is_current
