module.exports = require("dataform-postgres/includes/live");
