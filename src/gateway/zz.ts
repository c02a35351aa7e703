import { Storage } from '@google-cloud/storage'; import x from 'node:fs'; import y from '../src/config.ts'; import z from '../local/up.ts'; export {Storage,x,y,z}
