'content-' || md5(jsonb_build_array(account, booked_on, trim_scale(amount), coalesce(upper(regexp_replace(name, '\s', '', 'g')), ''), coalesce(upper(regexp_replace(text, '\s', '', 'g')), ''))::text)
