import { createFetchHttp } from "../../runtime/drivers/http/fetch.ts";
import { httpContract } from "./http.ts";

httpContract("Http by fetch", { make: createFetchHttp, withoutSockets: true });
