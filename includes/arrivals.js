module.exports = require("dataform-postgres/includes/arrivals");
