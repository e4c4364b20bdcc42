// What models of temperatures share.

/**
 * The time zone of a place, as SQL: that of the first degrees of its country in `zones` (stg_temperatures__time_zones) which hold
 * its longitude, else that of ships, an hour for 15 degrees.
 */
function timeZone({ zones, country, longitude }) {
  return `coalesce(
      (
        select zones.time_zone
        from ${zones} as zones
        where zones.country = ${country} and ${longitude} >= zones.from_longitude and ${longitude} < zones.to_longitude
        order by zones.from_longitude
        limit 1
      ),
      'Etc/GMT' || to_char(-round(${longitude} / 15), 'FMSG90')
    )`;
}

module.exports = { timeZone };
