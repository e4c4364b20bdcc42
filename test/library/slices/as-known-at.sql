select "_dataform_versions".*
from "marts"."stats" as "_dataform_versions"
where "_dataform_versions".known_from <= (timestamptz '2026-03-01Z') and ("_dataform_versions".known_to is null or (timestamptz '2026-03-01Z') < "_dataform_versions".known_to)
