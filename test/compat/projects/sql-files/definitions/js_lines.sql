--js const two = 1 + 1;
${type("table")}
select ${two} as n
