select *
from "shop"."customers" as versions
where versions.valid_from <= (timestamptz '2024-03-01Z') and (versions.valid_to is null or (timestamptz '2024-03-01Z') < versions.valid_to)
