// The SAM template, as an object: what every function shares, and a function for each route and each worker of the build.

const API_TIMEOUT_SECONDS = 15;
/** A worker's minute, and as long as what it has in hand then may take: a webhook waits 15 s for its answer. */
const WORKER_TIMEOUT_SECONDS = 100;
const LOG_DAYS = 14;

/** From one secret, read while CloudFormation deploys: the functions need no right to read it. */
const SECRETS = ["DATABASE_URL", "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN", "API_KEY"];

/**
 * @param {import("../../runtime/manifest.ts").Manifest} manifest
 * @param {Record<string, string>} defaults of variables, as .env has them
 */
export function lambdaTemplate({ functions }, defaults) {
  const routes = functions.filter(({ kind }) => kind === "api");
  const workers = functions.filter(({ kind }) => kind === "workers");
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Transform: "AWS::Serverless-2016-10-31",
    Description: "Stillup: an HTTP API and three workers. Made by deploy/generate.mjs.",
    Parameters: parameters(defaults),
    Conditions: { HasAlarmEmail: { "Fn::Not": [{ "Fn::Equals": [ref("AlarmEmail"), ""] }] } },
    Globals: { Function: shared() },
    Resources: {
      Api: {
        Type: "AWS::Serverless::HttpApi",
        // What the API may cost when somebody floods it; a request without a key costs as much as one with it.
        Properties: { DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 } },
      },
      Logs: { Type: "AWS::Logs::LogGroup", Properties: { RetentionInDays: LOG_DAYS } },
      FunctionRole: functionRole(),
      ...Object.fromEntries(routes.map((route) => [pascalCase(route.name), routeFunction(route)])),
      OtherRoutes: otherRoutes(),
      ...Object.fromEntries(workers.map((worker) => [workerId(worker), workerFunction(worker)])),
      AlarmTopic: { Type: "AWS::SNS::Topic" },
      AlarmSubscription: {
        Type: "AWS::SNS::Subscription",
        Condition: "HasAlarmEmail",
        Properties: { TopicArn: ref("AlarmTopic"), Protocol: "email", Endpoint: ref("AlarmEmail") },
      },
      ApiFailsAlarm: apiFailsAlarm(),
      ...Object.assign({}, ...workers.map(workerAlarms)),
    },
    Outputs: {
      ApiUrl: {
        Description: "Where the API answers",
        Value: { "Fn::Sub": `https://\${Api}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}` },
      },
      AlarmTopicArn: { Description: "What alarms are told to", Value: ref("AlarmTopic") },
    },
  };
}

function parameters({ CONNECTIVITY_TARGETS: connectivityTargets }) {
  return {
    SecretArn: {
      Type: "String",
      Description: `The secret in Secrets Manager that holds ${SECRETS.join(", ")} as one JSON object`,
      AllowedPattern: "^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$",
    },
    SecretVersionId: {
      Type: "String",
      Description:
        "Which version of it. Another value is what makes CloudFormation read it again; empty is the current one",
      AllowedPattern: "^[A-Za-z0-9-]*$",
      Default: "",
    },
    PublicUrl: { Type: "String", Description: "Where the API is reached, if not at ApiUrl", Default: "" },
    ConnectivityTargets: {
      Type: "String",
      Description:
        "Sites that always answer: where all are silent it is this region that is cut off, and no monitor is down",
      Default: connectivityTargets,
    },
    WatchdogUrl: {
      Type: "String",
      NoEcho: true,
      Description: "Called once a minute while checks and alerts go through in time; empty: nothing is",
      Default: "",
    },
    LogLevel: { Type: "String", AllowedValues: ["DEBUG", "INFO", "WARN", "ERROR"], Default: "INFO" },
    WorkSeconds: {
      Type: "Number",
      Description:
        "For how much of each minute the workers work. Less costs less: checks and alerts then wait for the next minute",
      MinValue: 5,
      MaxValue: 60,
      Default: 60,
    },
    MonitoringMemoryMb: {
      Type: "Number",
      Description: "Memory of the worker that checks, and with it its part of a processor: a whole one from 1769",
      MinValue: 256,
      MaxValue: 10240,
      Default: 256,
    },
    AlarmEmail: { Type: "String", Description: "Who is told of alarms; empty: nobody", Default: "" },
  };
}

function shared() {
  return {
    Runtime: "nodejs24.x",
    Architectures: ["arm64"],
    Handler: "index.handler",
    MemorySize: 512,
    Timeout: API_TIMEOUT_SECONDS,
    LoggingConfig: { LogGroup: ref("Logs") },
    Environment: {
      Variables: {
        ...Object.fromEntries(SECRETS.map((name) => [name, secret(name)])),
        DATABASE_DRIVER: "http",
        REDIS_DRIVER: "http",
        PUBLIC_URL: ref("PublicUrl"),
        CONNECTIVITY_TARGETS: ref("ConnectivityTargets"),
        WATCHDOG_URL: ref("WatchdogUrl"),
        LOG_LEVEL: ref("LogLevel"),
        WORK_SECONDS: ref("WorkSeconds"),
      },
    },
  };
}

/** Writing its log is all that a function does at AWS. Each would be given the same role, so there is one. */
function functionRole() {
  return {
    Type: "AWS::IAM::Role",
    Properties: {
      AssumeRolePolicyDocument: {
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
      },
      Policies: [
        {
          PolicyName: "WriteLogs",
          PolicyDocument: {
            Version: "2012-10-17",
            Statement: [
              {
                Effect: "Allow",
                Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
                Resource: { "Fn::GetAtt": ["Logs", "Arn"] },
              },
            ],
          },
        },
      ],
    },
  };
}

function routeFunction({ name, route }) {
  return functionOf(name, {
    Events: { Route: httpEvent({ Method: route.method, Path: route.path }) },
  });
}

/** HEAD, 404 and 405 are the router's to answer, which knows all routes. */
function otherRoutes() {
  return functionOf("api", {
    Description: "Answers what no other route does",
    Events: { Route: httpEvent({}) },
  });
}

function httpEvent(properties) {
  return { Type: "HttpApi", Properties: { ApiId: ref("Api"), ...properties } };
}

function workerFunction({ name }) {
  return functionOf(name, {
    Description: `The worker ${name}`,
    Timeout: WORKER_TIMEOUT_SECONDS,
    MemorySize: name === "monitoring" ? ref("MonitoringMemoryMb") : 256,
    // The next minute is a better time to try again.
    EventInvokeConfig: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
    Events: { EveryMinute: { Type: "Schedule", Properties: { Schedule: "rate(1 minute)" } } },
  });
}

function functionOf(artefact, properties) {
  return {
    Type: "AWS::Serverless::Function",
    Properties: {
      CodeUri: `../../dist/hosts/lambda/${artefact}.zip`,
      Role: { "Fn::GetAtt": ["FunctionRole", "Arn"] },
      ...properties,
    },
  };
}

function apiFailsAlarm() {
  return alarm({
    AlarmDescription: "The API answered with 5xx in three minutes of five.",
    Namespace: "AWS/ApiGateway",
    MetricName: "5xx",
    Dimensions: [{ Name: "ApiId", Value: ref("Api") }],
    ComparisonOperator: "GreaterThanThreshold",
    Threshold: 0,
    EvaluationPeriods: 5,
    DatapointsToAlarm: 3,
    TreatMissingData: "notBreaching",
  });
}

/** One for a worker that fails, one for a worker that is not called: then nobody watches. */
function workerAlarms(worker) {
  const id = workerId(worker);
  const metric = {
    Namespace: "AWS/Lambda",
    Dimensions: [{ Name: "FunctionName", Value: ref(id) }],
    Threshold: 1,
    EvaluationPeriods: 5,
    DatapointsToAlarm: 3,
  };
  return {
    [`${id}FailsAlarm`]: alarm({
      ...metric,
      AlarmDescription: `The worker ${worker.name} failed in three minutes of five.`,
      MetricName: "Errors",
      ComparisonOperator: "GreaterThanOrEqualToThreshold",
      TreatMissingData: "notBreaching",
    }),
    [`${id}StandsAlarm`]: alarm({
      ...metric,
      AlarmDescription: `The worker ${worker.name} was not called in three minutes of five.`,
      MetricName: "Invocations",
      ComparisonOperator: "LessThanThreshold",
      TreatMissingData: "breaching",
    }),
  };
}

function alarm(properties) {
  const actions = [ref("AlarmTopic")];
  return {
    Type: "AWS::CloudWatch::Alarm",
    Properties: { ...properties, Statistic: "Sum", Period: 60, AlarmActions: actions, OKActions: actions },
  };
}

function secret(name) {
  return { "Fn::Sub": `{{resolve:secretsmanager:\${SecretArn}:SecretString:${name}::\${SecretVersionId}}}` };
}

function ref(name) {
  return { Ref: name };
}

function workerId({ name }) {
  return `Worker${pascalCase(name)}`;
}

function pascalCase(name) {
  return name.replace(/(?:^|-)(\w)/g, (_, letter) => letter.toUpperCase());
}
