import { testSessions } from "../support/model/model.ts";

// A file of its own, so that it runs beside the other half.
testSessions(26, 50);
