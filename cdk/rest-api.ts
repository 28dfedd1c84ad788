import type { RemovalPolicy } from 'aws-cdk-lib';
import {
  type CfnStage,
  HttpApi,
  HttpNoneAuthorizer,
  type IHttpRouteAuthorizer,
  PayloadFormatVersion,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer, HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { ApiAuth, ApiThrottle } from './props.ts';

export interface RestApiSettings {
  readonly handler: IFunction;
  readonly auth: ApiAuth;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
  readonly encryptionKey?: IKey | undefined;
  readonly throttle: Required<ApiThrottle>;
}

/** An HTTP API that hands every request to the rest function: its own table of routes decides. */
export function createRestApi(scope: Construct, settings: RestApiSettings): HttpApi {
  const api = new HttpApi(scope, 'RestApi', {
    description: 'Kafka Connect REST API of Drover',
    defaultIntegration: new HttpLambdaIntegration('Rest', settings.handler, {
      payloadFormatVersion: PayloadFormatVersion.VERSION_2_0,
    }),
    defaultAuthorizer: authorizer(settings.auth),
    ...(settings.auth.type === 'jwt' && settings.auth.scopes !== undefined
      ? { defaultAuthorizationScopes: [...settings.auth.scopes] }
      : {}),
  });
  const log = new LogGroup(scope, 'RestApiLog', {
    retention: settings.logRetention,
    removalPolicy: settings.removalPolicy,
    ...(settings.encryptionKey === undefined ? {} : { encryptionKey: settings.encryptionKey }),
  });
  // The level-two construct has neither an access log nor a throttle for the stage that it makes itself.
  const stage = api.defaultStage?.node.defaultChild as CfnStage;
  stage.accessLogSettings = {
    destinationArn: log.logGroupArn,
    format: JSON.stringify({
      requestId: '$context.requestId',
      ...callerOf(settings.auth),
      ip: '$context.identity.sourceIp',
      time: '$context.requestTime',
      method: '$context.httpMethod',
      path: '$context.path',
      status: '$context.status',
      latencyMs: '$context.responseLatency',
      error: '$context.error.message',
      authorizerError: '$context.authorizer.error',
    }),
  };
  stage.defaultRouteSettings = {
    throttlingRateLimit: settings.throttle.rate,
    throttlingBurstLimit: settings.throttle.burst,
  };
  return api;
}

/** Who called, as the kind of authorisation knows it. */
function callerOf(auth: ApiAuth): Record<string, string> {
  switch (auth.type) {
    case 'iam':
      return { caller: '$context.identity.userArn', account: '$context.identity.accountId' };
    case 'jwt':
      // A person is the subject; a program is often known by its client id alone.
      return {
        caller: '$context.authorizer.claims.sub',
        client: '$context.authorizer.claims.client_id',
        issuer: '$context.authorizer.claims.iss',
      };
    case 'authorizer':
      return { caller: `$context.authorizer.${auth.callerProperty ?? 'principalId'}` };
    case 'none':
      return {};
  }
}

function authorizer(auth: ApiAuth): IHttpRouteAuthorizer {
  switch (auth.type) {
    case 'iam':
      return new HttpIamAuthorizer();
    case 'jwt':
      return new HttpJwtAuthorizer('Jwt', auth.issuer, { jwtAudience: [...auth.audience] });
    case 'authorizer':
      return auth.authorizer;
    case 'none':
      return new HttpNoneAuthorizer();
  }
}
