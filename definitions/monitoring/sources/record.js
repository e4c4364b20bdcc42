monitoring.declareRecord();
