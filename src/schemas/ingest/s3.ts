import { Type } from "typebox";
import { closed, secret, text } from "../words.ts";

export const s3 = closed(
  {
    endpoint: Type.Optional(text("of a store that is not Amazon's, such as http://127.0.0.1:9000")),
    region: Type.Optional(text("the bucket's region; us-east-1 where nothing says another one")),
    accessKeyId: Type.Optional(secret("the key's public name")),
    secretAccessKey: Type.Optional(secret("the key")),
    sessionToken: Type.Optional(secret("the token of a key for some time")),
  },
  "s3: the store and its keys",
);
