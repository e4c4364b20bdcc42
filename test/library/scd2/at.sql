(c.version_no = 1 or c.valid_from <= (facts.paid_at + interval '1 hour')) and (c.valid_to is null or (facts.paid_at + interval '1 hour') < c.valid_to)
