import { createFetchHttp } from "../runtime/http/fetch.ts";
import { httpContract } from "./contracts/http.ts";

httpContract("Http by fetch", { make: createFetchHttp, withoutSockets: true });
