module.exports = require("dataform-postgres/includes/unions");
