module.exports = require("dataform-postgres/includes/partitions");
